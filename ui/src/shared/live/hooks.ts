// How components read the live board: a hook for each question, each waking only on its own topic.
import { createContext, useCallback, useContext, useSyncExternalStore } from "react";
import type { Answer, Rights } from "../api/types.ts";
import type { Connection, Kind, Kinds, LiveBoard, Missed, Topic } from "./board.ts";

export const BoardContext = createContext<LiveBoard | null>(null);

export function useBoard(): LiveBoard {
  const board = useContext(BoardContext);
  if (!board) throw new Error("no board here: this component belongs inside a project");
  return board;
}

function useTopic<T>(topic: Topic, read: (board: LiveBoard) => T): T {
  const board = useBoard();
  const subscribe = useCallback((listener: () => void) => board.subscribe(topic, listener), [board, topic]);
  return useSyncExternalStore(subscribe, () => read(board));
}

export const useObject = <K extends Kind>(kind: K, name: string): Kinds[K] | undefined =>
  useTopic(`${kind}/${name}`, (board) => board.get(kind, name));

export const useList = <K extends Kind>(kind: K): readonly Kinds[K][] => useTopic(kind, (board) => board.list(kind));

export const useLoaded = (): boolean => useTopic("stages", (board) => board.loaded);
export const useAnswers = (): readonly Answer[] => useTopic("answers", (board) => board.answers);
export const useRights = (): Rights => useTopic("rights", (board) => board.rights);
export const useConnection = (): Connection => useTopic("connection", (board) => board.connection);
export const useMissed = (): Missed | null => useTopic("connection", (board) => board.missed);
/** Whether what is shown is known to be true now; actions are disabled otherwise. */
export const useIsLive = (): boolean => useTopic("connection", (board) => board.connection.state === "live");
