// A modal dialog on the browser's own <dialog>: it makes the rest inert, closes on Escape and gives the focus back.
import { useEffect, useRef, type ReactNode } from "react";
import css from "./Dialog.module.css";

const WRITTEN_IN = "form :is(input, select, textarea):not([hidden], :disabled)";
const READ = "[role=region][tabindex='0']";

/** The browser gives the focus to what comes first, the ✕: who opens a form wants to write in it, who opens a difference to read it. */
function focusFirst(dialog: HTMLElement) {
  const first = dialog.querySelector<HTMLElement>(WRITTEN_IN) ?? dialog.querySelector<HTMLElement>(READ);
  (first ?? dialog.querySelector<HTMLElement>("h2[tabindex]"))?.focus();
}

interface Props {
  title: string;
  onClose: () => void;
  children: ReactNode;
  size?: "wide" | "small";
  bare?: boolean;
}

export function Dialog({ title, onClose, children, size = "small", bare = false }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    const before = document.activeElement;
    if (element && !element.open) {
      element.showModal();
      focusFirst(element);
    }
    // What is asked for when it opens comes later; who has moved on meanwhile stays where they are.
    const comes = new MutationObserver(() => {
      if (document.activeElement?.matches("dialog h2")) element?.querySelector<HTMLElement>(READ)?.focus();
    });
    if (element) comes.observe(element, { childList: true, subtree: true });
    return () => {
      comes.disconnect();
      element?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      className={`${css.dialog} ${css[size]} ${bare ? css.top : ""}`}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onMouseDown={(event) => {
        if (event.target === dialog.current) onClose();
      }}
    >
      <div className={css.inside}>
        {!bare && (
          <header className={css.header}>
            <h2 tabIndex={-1}>{title}</h2>
            <button type="button" className={css.close} aria-label="close" title="close (Esc)" onClick={onClose}>
              ✕
            </button>
          </header>
        )}
        {children}
      </div>
    </dialog>
  );
}
