import { useEffect, useRef } from "preact/hooks";
import { helpOpen, words } from "../state/page";
import { deciding } from "../state/session";

export function Help() {
  const w = words.value;
  const dialog = useRef<HTMLDialogElement>(null);
  const open = helpOpen.value;
  useEffect(() => {
    if (open && dialog.current?.open === false) dialog.current.showModal();
  }, [open]);
  if (!open) return null;
  const rows: [keys: string[], text: string, decides?: true][] = [
    [["↑", "↓"], w.help.rows.move],
    [["U"], w.help.rows.urgent],
    [["Enter", "A"], w.help.rows.acknowledge, true],
    [["T"], w.help.rows.text, true],
    [["N"], w.help.rows.note, true],
    [["C"], w.help.rows.close, true],
    [["H"], w.help.rows.history],
    [["F"], w.help.rows.fit],
    [["S"], w.help.rows.sound],
    [["Esc"], w.help.rows.back],
    [["?"], w.help.rows.help],
  ];
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={() => (helpOpen.value = false)}>
      <h2 id="help-title">{w.help.title}</h2>
      <dl>
        {rows.filter(([, , decides]) => deciding.value || !decides).map(([keys, text]) => (
          <div key={text} class="help__row">
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <p>{w.help.note}</p>
      <button type="button" class="button button--primary" onClick={() => dialog.current?.close()}>
        {w.help.close}
      </button>
    </dialog>
  );
}
