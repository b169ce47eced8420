// The keys.
import { Dialog } from "../look/Dialog.tsx";
import { KEYS } from "../keys/keys.ts";
import css from "./HelpDialog.module.css";

export function HelpDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl className={css.keys}>
        {KEYS.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p className={css.shapes}>
        Freight can also be dragged onto a stage. Every view has its own URL. The graph is drawn with React Flow (MIT).
      </p>
    </Dialog>
  );
}
