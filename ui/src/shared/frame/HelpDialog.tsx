// The keys.
import { Dialog } from "../look/Dialog.tsx";
import { keysFor } from "../keys/keys.ts";
import { useRights } from "../live/hooks.ts";
import css from "./HelpDialog.module.css";

export function HelpDialog({ onClose }: { onClose: () => void }) {
  const rights = useRights();
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl className={css.keys}>
        {keysFor(rights).map(([keys, what]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p className={css.shapes}>
        {rights.promote.length > 0 && "Freight can also be dragged onto a stage. "}Every view has its own URL. The graph is drawn with React
        Flow (MIT).
      </p>
    </Dialog>
  );
}
