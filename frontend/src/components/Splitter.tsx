/** A draggable border between two columns; arrow keys move it as well. */

interface Props {
  readonly label: string;
  /** Share of the page's width at which the border stands, 0 to 1. */
  readonly at: number;
  readonly onMove: (at: number) => void;
}

const STEP = 0.02;

export function Splitter({ label, at, onMove }: Props) {
  return (
    <div
      role="separator"
      aria-orientation="vertical"
      aria-label={label}
      aria-valuenow={Math.round(at * 100)}
      aria-valuemin={10}
      aria-valuemax={90}
      tabIndex={0}
      class="splitter"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        event.preventDefault();
      }}
      onPointerMove={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) onMove(event.clientX / window.innerWidth);
      }}
      onKeyDown={(event) => {
        const step = event.key === 'ArrowLeft' ? -STEP : event.key === 'ArrowRight' ? STEP : 0;
        if (step === 0) return;
        onMove(at + step);
        event.preventDefault();
      }}
    />
  );
}
