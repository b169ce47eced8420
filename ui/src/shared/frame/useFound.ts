// What the server finds by the palette's question, in every project one may see; asked when the typing rests.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api } from "../api/client.ts";
import type { Found } from "../api/types.ts";

const REST_MS = 150;
const LETTERS_MIN = 2;

export function useFound(question: string): { found: readonly Found[]; isAsking: boolean } {
  const [rested, setRested] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setRested(question.trim()), REST_MS);
    return () => clearTimeout(timer);
  }, [question]);
  const isAsked = rested.length >= LETTERS_MIN;
  const query = useQuery({
    queryKey: ["search", rested],
    queryFn: () => api.search(rested),
    enabled: isAsked,
    placeholderData: keepPreviousData,
    staleTime: 10_000,
    retry: false,
  });
  return { found: isAsked ? (query.data?.items ?? []) : [], isAsking: query.isFetching };
}
