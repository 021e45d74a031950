/**
 * Moving an item of a list by its grip, with mouse or finger. An extra: whatever it does can be done by buttons too, so
 * the grip takes no focus and says nothing.
 *
 * Must not import a control.
 */

/**
 * @param {HTMLElement} grip
 * @param {HTMLElement} item the list's child that holds the grip
 * @param {{moveTo: (place: number) => void, finish: () => void}} actions to put the item at a place of the list, and to
 *   say what became of it after a drag that moved it
 */
export function makeDraggable(grip, item, { moveTo, finish }) {
  let isMoved = false;

  const placeAt = (y) => {
    const others = [...item.parentElement.children].filter((child) => child !== item);
    return others.filter((child) => {
      const { top, height } = child.getBoundingClientRect();
      return top + height / 2 < y;
    }).length;
  };
  const follow = ({ clientY }) => {
    const place = placeAt(clientY);
    if ([...item.parentElement.children].indexOf(item) === place) return;
    moveTo(place);
    isMoved = true;
  };
  const stop = () => {
    item.classList.remove("is-dragged");
    document.removeEventListener("pointermove", follow);
    document.removeEventListener("pointerup", stop);
    document.removeEventListener("pointercancel", stop);
    if (isMoved) finish();
  };
  grip.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    event.preventDefault();
    isMoved = false;
    item.classList.add("is-dragged");
    document.addEventListener("pointermove", follow);
    document.addEventListener("pointerup", stop);
    document.addEventListener("pointercancel", stop);
  });
}
