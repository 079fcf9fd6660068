// A band of virtual patients like the one that the sliders describe: from the 5th to the 95th percentile of each curve.
// tools: page, askLater(task), changed(): draws again, say(words).
function makePatients(tools) {
  "use strict";
  const { page } = tools, { count, words } = page.model.patients, BATCH = 8, LOW = 0.05, HIGH = 0.95;
  let wanted = false, generation = 0, bands = null, note = "";

  function quantile(sorted, share) {
    const at = share * (sorted.length - 1), first = Math.floor(at), rest = at - first;
    return rest ? sorted[first] * (1 - rest) + sorted[first + 1] * rest : sorted[first];
  }
  // found: of each patient its curves at the saved times
  function bandsOf(found, times) {
    return page.curves.map((_, curve) => {
      const low = [], high = [], middle = [];
      for (let i = 0; i < times.length; i += 1) {
        const own = Float64Array.from(found, (curves) => curves[curve][i]).sort();
        low.push(quantile(own, LOW));
        middle.push(quantile(own, 0.5));
        high.push(quantile(own, HIGH));
      }
      return { times, low, middle, high };
    });
  }
  // Asked in batches, between which the sliders come first; whatever moves makes them ask anew
  function ask() {
    const mine = ++generation, found = [];
    let failed = 0;
    for (let first = 0; first < count; first += BATCH)
      tools.askLater({
        question: { patients: [first, Math.min(first + BATCH, count)] },
        stale: () => mine !== generation,
        done(answer) {
          if (mine !== generation) return;
          failed += answer.failed;
          found.push(...answer.curves);
          note = `Simulating virtual patients: ${found.length + failed} of ${count}.`;
          if (found.length + failed >= count) {
            bands = found.length ? bandsOf(found, answer.times) : null;
            const lost = failed ? ` ${failed} could not be simulated and ${failed === 1 ? "is" : "are"} left out.` : "";
            note = `Shaded and dotted: the 5th to 95th percentile and the median of ${found.length} virtual patients, ${words}.${lost}`;
          }
          tools.changed(note);
        },
        failed(error) { if (mine === generation) tools.changed("Virtual patients cannot be simulated here: " + error.message); },
      });
  }
  return {
    toggle() {
      wanted = !wanted;
      generation += 1;
      bands = null;
      note = "";
      if (wanted) ask();
      tools.changed(note);
      return wanted;
    },
    refresh() { if (wanted) ask(); }, // once another run rests
    moving() { generation += 1; }, // the band stays as the ghost of before until the slider rests
    band: (curve) => bands && bands[curve],
  };
}
