// Says what a first visit to the pipeline transfers, gzipped, and fails above 300 KB.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const LIMIT = 300_000;
const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const sizes = readdirSync(dist, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => [entry.name, gzipSync(readFileSync(`${entry.parentPath}/${entry.name}`), { level: 6 }).length]);
const total = sizes.reduce((sum, [, size]) => sum + size, 0);
for (const [name, size] of sizes.sort((a, b) => b[1] - a[1])) console.log(`${String(size).padStart(8)}  ${name}`);
console.log(`${String(total).padStart(8)}  everything, gzipped: even if all of it were loaded at once (limit for the first load ${LIMIT})`);
if (total > LIMIT) process.exit(1);
