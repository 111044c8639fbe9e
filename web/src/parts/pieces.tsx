// A difference (`diff`) as text: what is gone, what is new, and what stays.
import type { Piece } from './diff';

export function Pieces({ pieces }: { pieces: Piece[] }) {
  return (
    <>
      {pieces.map((piece, i) =>
        piece.kind === 'same' ? (
          piece.text
        ) : piece.kind === 'gone' ? (
          <del key={i}>{piece.text}</del>
        ) : (
          <ins key={i}>{piece.text}</ins>
        ),
      )}
    </>
  );
}
