import { expect, test } from "vitest";
import type { KubeObject } from "../shared/api/kubernetes.ts";
import type { PromotionRow } from "../shared/api/types.ts";
import { historyOf } from "./history.ts";

const kept = (name: string, freight: string, createdAt: string): KubeObject => ({
  apiVersion: "kargo.akuity.io/v1alpha1",
  kind: "Promotion",
  metadata: { name, creationTimestamp: createdAt, annotations: { "kargo.akuity.io/create-actor": "user:bob" } },
  spec: { stage: "qa", freight },
  status: { phase: "Succeeded" },
});
const row = (name: string, phase: string): PromotionRow => ({
  name,
  stage: "qa",
  freight: "f1",
  label: "1.5.1",
  phase,
  message: "",
  actor: "bob",
  createdAt: "2026-11-02T00:00:00Z",
});

test("freight that the board's newest promotions do not name has its history all the same, newest first", () => {
  const found = historyOf("f1", "1.5.1", [kept("a", "f1", "2026-11-01T00:00:00Z"), kept("b", "f2", "2026-11-03T00:00:00Z")], []);
  expect(found.map((one) => [one.name, one.actor, one.phase])).toEqual([["a", "bob", "Succeeded"]]);
});

test("what the board holds is told as the board tells it, once", () => {
  const found = historyOf(
    "f1",
    "1.5.1",
    [kept("a", "f1", "2026-11-01T00:00:00Z"), kept("b", "f1", "2026-11-02T00:00:00Z")],
    [row("b", "Running")],
  );
  expect(found.map((one) => `${one.name} ${one.phase}`)).toEqual(["b Running", "a Succeeded"]);
});
