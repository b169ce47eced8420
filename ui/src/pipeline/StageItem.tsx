// A stage in the list, with what can be done at once; renders again only when its own object changes.
import { memo } from "react";
import { OpenLink } from "../shared/frame/OpenLink.tsx";
import { useFilter, useGo } from "../shared/frame/open.ts";
import { useIsLive, useObject } from "../shared/live/hooks.ts";
import { Button } from "../shared/look/Button.tsx";
import { partsOf } from "../shared/look/version.ts";
import { stageMatches } from "./filter.ts";
import { StageFace } from "./StageFace.tsx";
import css from "./List.module.css";

const VERSION_MAX = 24;

export const StageItem = memo(function StageItem({ name }: { name: string }) {
  const stage = useObject("stages", name);
  const isLive = useIsLive();
  const { plan } = useGo();
  const filter = useFilter();
  if (!stage || !stageMatches(stage, filter)) return null;
  const { nextFreight } = stage;
  return (
    <li className={css.item}>
      <OpenLink kind="stage" name={name} className={css.link} data-nav="stages" data-kind="stage" data-name={name}>
        <StageFace stage={stage} max={VERSION_MAX} />
      </OpenLink>
      {stage.mayPromote && stage.state === "waiting" && nextFreight !== undefined && (
        <Button className={css.plan ?? ""} disabled={!isLive} onClick={() => plan(name, nextFreight)}>
          Plan {partsOf(stage.next)[0]?.version}
        </Button>
      )}
    </li>
  );
});
