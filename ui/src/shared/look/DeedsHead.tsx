// The head of a table's last column, whose cells hold what can be done with their row: eyes need no word for it, ears do.
export function DeedsHead() {
  return (
    <th>
      <span className="visually-hidden">what can be done</span>
    </th>
  );
}
