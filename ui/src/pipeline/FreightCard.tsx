// One freight of the timeline: its version, its alias, and the stages it is in.
import { memo } from "react";
import { OpenLink } from "../shared/frame/OpenLink.tsx";
import { useIsOpen } from "../shared/frame/open.ts";
import { cannot } from "../shared/frame/taken.ts";
import { useIsLive, useObject } from "../shared/live/hooks.ts";
import { Ago } from "../shared/look/Ago.tsx";
import { StageDot } from "../shared/look/StageDot.tsx";
import { cutMiddle } from "../shared/look/version.ts";
import { drag, FREIGHT_TYPE } from "./drag.ts";
import css from "./FreightCard.module.css";

const STAGES_MAX = 4;

export const FreightCard = memo(function FreightCard({ name }: { name: string }) {
  const freight = useObject("freight", name);
  const isLive = useIsLive();
  const isOpen = useIsOpen("freight", name);
  if (!freight) return null;
  const rest = freight.in.length - STAGES_MAX;
  return (
    <li className={`${css.card} ${isOpen ? css.open : ""}`}>
      <OpenLink
        kind="freight"
        name={name}
        className={css.link}
        draggable={isLive}
        title={`${freight.label}, ${freight.alias}, ${freight.name}`}
        data-nav="freight"
        data-kind="freight"
        data-name={name}
        onDragStart={(event) => {
          event.dataTransfer.setData(FREIGHT_TYPE, name);
          event.dataTransfer.effectAllowed = "move";
          cannot(null);
          drag(name);
        }}
        onDragEnd={() => drag(null)}
      >
        <span className={css.version}>{cutMiddle(freight.version, 16)}</span>
        <span className={css.small}>
          <code>{freight.alias}</code>
          <span>
            <Ago at={freight.foundAt} />
          </span>
        </span>
        <span className={css.in}>
          {freight.in.length === 0 && <span className={css.nowhere}>in no stage</span>}
          {freight.in.slice(0, STAGES_MAX).map((stage) => (
            <StageDot key={stage} name={stage} />
          ))}
          {rest > 0 && <span>+{rest}</span>}
        </span>
      </OpenLink>
    </li>
  );
});
