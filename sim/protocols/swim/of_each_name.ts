import type { Life } from "../../observation.ts";

/** What is remembered of each name, for each life. A message is about many names, and all of it is of one life: that is found once. */
export function ofEachName<T>(): (life: Life) => Map<string, T> {
  const ofLives = new WeakMap<Life, Map<string, T>>();
  let whose: Life | undefined;
  let its = new Map<string, T>();
  return (life) => {
    if (life === whose) return its;
    whose = life;
    its = ofLives.get(life) ?? new Map();
    ofLives.set(life, its);
    return its;
  };
}
