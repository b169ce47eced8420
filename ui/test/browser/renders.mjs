// Which nodes of the pipeline React rendered: listens where React's own developer tools do, and walks what each commit changed.

/** Runs in the page, before React. `takeRenders()` gives the names of the nodes rendered since it was last asked. */
export function watchRenders() {
  const PERFORMED_WORK = 1;
  let rendered = [];
  const nameOf = (fiber) => fiber.memoizedProps?.data?.name;
  const walk = (next, before) => {
    if (typeof next.type !== "string" && next.flags & PERFORMED_WORK) {
      const name = nameOf(next);
      if (name !== undefined && nameOf(next.return ?? {}) === undefined) rendered.push(name);
    }
    // A subtree that was not touched is the very same objects.
    if (before && next.child === before.child) return;
    for (let child = next.child; child; child = child.sibling) walk(child, child.alternate);
  };
  window.__REACT_DEVTOOLS_GLOBAL_HOOK__ = {
    supportsFiber: true,
    renderers: new Map(),
    inject: () => 1,
    onScheduleFiberRoot() {},
    onPostCommitFiberRoot() {},
    onCommitFiberUnmount() {},
    onCommitFiberRoot(_, root) {
      walk(root.current, root.current.alternate);
    },
  };
  window.takeRenders = () => {
    const taken = rendered;
    rendered = [];
    return taken;
  };
}
