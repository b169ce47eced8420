// One project's services by its stages, versions first; stages across, or down where that reads better.
import type { Cell } from "../shared/api/types.ts";
import { useGo } from "../shared/frame/open.ts";
import { useBoard, useList } from "../shared/live/hooks.ts";
import { Ago } from "../shared/look/Ago.tsx";
import { stageColour } from "../shared/look/colours.ts";
import { StateMark } from "../shared/look/StateMark.tsx";
import { cutMiddle } from "../shared/look/version.ts";
import { about, gitHas, isTall, type Table } from "./table.ts";
import css from "./WhatIsWherePage.module.css";

export function ProjectTable({ table, isNarrow }: { table: Table; isNarrow: boolean }) {
  const { project } = useBoard();
  const known = useList("stages");
  const isHere = table.project === project;
  const colour = (stage: string) =>
    stageColour((isHere ? known.find((one) => one.name === stage)?.colour : undefined) ?? table.colours.get(stage) ?? 0);
  const tall = isTall(table, isNarrow);
  const heads = tall ? table.rows.map((row) => row.service) : table.stages;
  return (
    <div className={css.scroll} tabIndex={0} role="region" aria-label={`services by stages of ${table.project}`}>
      <table className={css.table}>
        <thead>
          <tr>
            <th scope="col">{tall ? "stage" : "service"}</th>
            {heads.map((name) => (
              <th key={name} scope="col">
                {!tall && <i className={css.bar} style={{ background: colour(name) }} />}
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {tall
            ? table.stages.map((stage, at) => (
                <tr key={stage}>
                  <th scope="row">
                    <i className={css.edge} style={{ background: colour(stage) }} />
                    {stage}
                  </th>
                  {table.rows.map((row) => (
                    <td key={row.service}>{row.cells[at] && <Where service={row.service} cell={row.cells[at]} isHere={isHere} />}</td>
                  ))}
                </tr>
              ))
            : table.rows.map((row) => (
                <tr key={row.service}>
                  <th scope="row">{row.service}</th>
                  {row.cells.map((cell, at) => (
                    <td key={table.stages[at]}>{cell && <Where service={row.service} cell={cell} isHere={isHere} />}</td>
                  ))}
                </tr>
              ))}
        </tbody>
      </table>
    </div>
  );
}

function Where({ service, cell, isHere }: { service: string; cell: Cell; isHere: boolean }) {
  const { open } = useGo();
  const next = about(cell, service);
  const inGit = gitHas(cell, service);
  return (
    <a
      className={css.cell}
      href={`/p/${encodeURIComponent(cell.project)}?stage=${encodeURIComponent(cell.stage)}`}
      title={cell.version}
      data-nav="cells"
      {...(isHere ? { "data-kind": "stage", "data-name": cell.stage } : {})}
      onClick={(event) => {
        if (isHere && !event.ctrlKey && !event.metaKey) {
          event.preventDefault();
          open("stage", cell.stage);
        }
      }}
    >
      <span className={css.version}>{cell.version === "" ? "–" : cutMiddle(cell.version, 16)}</span>
      <span className={css.small}>
        {next !== "" && (
          <span className={css.next} title={cell.next}>
            {cutMiddle(next, 20)}
          </span>
        )}
        <StateMark state={cell.state} /> {cell.since && <Ago at={cell.since} />}
      </span>
      {inGit !== "" && (
        <span className={css.small} title={cell.inGit}>
          <b className={css.git}>git has {cutMiddle(inGit, 12)}</b>
        </span>
      )}
    </a>
  );
}
