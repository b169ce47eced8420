// Says what the files weigh, gzipped, and fails if the first visit to the pipeline would transfer more than 300 KB.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const LIMIT = 300_000;
const dist = fileURLToPath(new URL("../dist/", import.meta.url));
// The page names in its head all that the pipeline needs; the rest is fetched when it is opened.
const head = readFileSync(`${dist}index.html`, "utf8");
const files = readdirSync(dist, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => ({
    name: entry.name,
    isFirst: entry.name === "index.html" || head.includes(entry.name),
    size: gzipSync(readFileSync(`${entry.parentPath}/${entry.name}`), { level: 6 }).length,
  }))
  .sort((a, b) => Number(b.isFirst) - Number(a.isFirst) || b.size - a.size);
for (const { name, size, isFirst } of files) console.log(`${String(size).padStart(8)}  ${isFirst ? "first" : "later"}  ${name}`);
const first = files.filter((file) => file.isFirst).reduce((sum, file) => sum + file.size, 0);
console.log(`${String(first).padStart(8)}  the first load, gzipped (limit ${LIMIT})`);
if (first > LIMIT) process.exit(1);
