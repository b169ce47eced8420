import { expect, test } from "vitest";
import { refusalOf, Refusal, warningsOf, type KubeObject } from "../shared/api/kubernetes.ts";
import { causesOf, CHANGED_BY, changedBy, differenceOf, faultsOf, keysOf, objectOf, rebased, textOf } from "./text.ts";

const stage: KubeObject = {
  apiVersion: "kargo.akuity.io/v1alpha1",
  kind: "Stage",
  metadata: { name: "qa", namespace: "bank", resourceVersion: "7", uid: "u", generation: 2, managedFields: [{}] },
  spec: { steps: [{ uses: "git-clone" }, { uses: "git-push", as: "push" }] },
  status: { phase: "x" },
};
const text = textOf(stage);

test("the text is what a person writes, and is written back as what was read", () => {
  expect(text).not.toMatch(/resourceVersion|uid|managedFields|status|generation/);
  const read = objectOf(text, stage);
  expect("object" in read && read.object.metadata).toEqual({ name: "qa", namespace: "bank", resourceVersion: "7", uid: "u" });
});

test("who changed it last is not a person's to write, and is not lost", () => {
  const noted = { ...stage, metadata: { ...stage.metadata, annotations: { [CHANGED_BY]: "user:alice" } } };
  expect(textOf(noted)).toBe(text);
  const read = objectOf(text, noted);
  expect("object" in read && read.object.metadata["annotations"]).toEqual({ [CHANGED_BY]: "user:alice" });
  expect(changedBy(noted)).toBe("user:alice");
  expect(
    changedBy({
      ...stage,
      metadata: {
        ...stage.metadata,
        managedFields: [
          { manager: "kubectl-edit", time: "2" },
          { manager: "x", time: "1" },
        ],
      },
    }),
  ).toBe("kubectl-edit");
});

test("what cannot be read says where; what would be another object is refused", () => {
  const check = (changed: string, wanted: RegExp, line: number) => {
    const read = objectOf(changed, stage);
    const [fault] = "faults" in read ? read.faults : [];
    expect(fault?.message).toMatch(wanted);
    expect(fault?.line).toBe(line);
  };
  check(`${text}a: [1\n`, /./, text.split("\n").length + 1);
  check("- a\n", /one object/, 1);
  check(text.replace("name: qa", "name: e2e"), /its name stays/, 1);
  check(text.replace("kind: Stage", "kind: Freight"), /stay as they are/, 1);
});

test("the server's error stands at its field, or at the nearest that encloses it", () => {
  const at = (field: string) => {
    const [fault] = faultsOf(text, [{ field, message: "is wrong" }]);
    return text.slice(fault?.from, fault?.to);
  };
  expect(at("spec.steps[1].uses")).toBe("uses");
  expect(faultsOf(text, [{ field: "spec.steps[1].uses", message: "m" }])[0]?.line).toBe(9);
  expect(at("spec.steps[0].config.path")).toBe("uses: git-clone");
  expect(at("spec.vars")).toBe("spec");
  expect(at("nowhere")).toBe("apiVersion: kargo.akuity.io/v1alpha1");
});

test("a field is read as keys", () => {
  expect(keysOf("spec.steps[0].uses")).toEqual(["spec", "steps", 0, "uses"]);
  expect(keysOf("metadata.labels[kargo.akuity.io/shard]")).toEqual(["metadata", "labels", "kargo.akuity.io/shard"]);
});

test("a refusal's causes are its own, or stand in its words", () => {
  const body = { kind: "Status", message: 'strict decoding error: unknown field "spec.color"', reason: "BadRequest" };
  const refusal = refusalOf(400, JSON.stringify(body));
  expect(refusal instanceof Refusal && causesOf(refusal)).toEqual([{ field: "spec.color", message: 'unknown field "spec.color"' }]);
  expect(refusalOf(502, "<html>").message).toBe("<html>");
});

test("warnings are read one by one", () =>
  expect(warningsOf('299 - "first, of two", 299 seaway "a \\"second\\""')).toEqual(["first, of two", 'a "second"']));

test("two texts differ in hunks; equal ones do not", () => {
  expect(differenceOf(text, text)).toBe("");
  expect(differenceOf("a\nb\n", "a\nc\n")).toBe("@@ -1,2 +1,2 @@\n a\n-b\n+c");
});

test("my change goes on top of theirs, unless both touched the same lines", () => {
  const lines = (...some: string[]) => `${some.join("\n")}\n`;
  const base = lines("a", "b", "c", "d", "e", "f", "g", "h");
  expect(rebased(base, base.replace("a\n", "A\n"), base.replace("h\n", "H\n"))).toBe(lines("A", "b", "c", "d", "e", "f", "g", "H"));
  expect(rebased(base, base.replace("d\n", "mine\n"), base.replace("d\n", "theirs\n"))).toBeNull();
});
