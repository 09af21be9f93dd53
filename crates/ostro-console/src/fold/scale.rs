//! Where a time is on a timeline: in proportion, but gaps in which nothing happens are folded.

use std::time::{Duration, SystemTime};

use ostro_explain::duration;

use super::Row;
use crate::moment;

/// A gap of more than this part of the whole is folded, the longest first...
const GAP_OF_WHOLE: f64 = 0.25;
/// ...as long as so much of the whole is left...
const LEFT_OF_WHOLE: f64 = 0.005;
/// ...to this part of what is left.
const FOLDED: f64 = 0.12;
/// A timeline of less has its marks to the millisecond.
const FINE: Duration = Duration::from_secs(10);
/// Marks along the timeline.
const TICKS: usize = 6;

/// A mark, in per cent of the width.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    pub x: f64,
    pub text: String,
}

/// Times in their order, each with its place between 0 and 100.
pub(crate) struct Scale {
    knots: Vec<(SystemTime, f64)>,
    /// Folded gaps: their places.
    pub folds: Vec<(f64, f64)>,
}

impl Scale {
    /// The scale of rows, from the run's start to its end or now.
    pub(crate) fn new(rows: &[Row], start: SystemTime, end: SystemTime, fold: bool) -> Self {
        let ends = rows.iter().flat_map(|row| &row.parts).flat_map(|part| [Some(part.from), part.to]).flatten();
        let mut times: Vec<SystemTime> = ends.chain([start, end]).filter(|time| (start..=end).contains(time)).collect();
        times.sort_unstable();
        times.dedup();
        let gaps: Vec<f64> = times.windows(2).map(|pair| between(pair[0], pair[1])).collect();
        let (least, left) = if fold { folding(&gaps) } else { (f64::INFINITY, 0.0) };
        let weight = |gap: f64| if gap >= least { (left * FOLDED).min(gap) } else { gap };
        let total = gaps.iter().map(|gap| weight(*gap)).sum::<f64>().max(f64::MIN_POSITIVE);
        let (mut at, mut knots, mut folds) = (0.0, Vec::with_capacity(times.len()), Vec::new());
        for (index, time) in times.iter().enumerate() {
            knots.push((*time, at));
            let Some(gap) = gaps.get(index) else { break };
            let next = at + weight(*gap) / total * 100.0;
            if weight(*gap) < *gap {
                folds.push((at, next));
            }
            at = next;
        }
        Self { knots, folds }
    }

    /// The place of a time, in per cent.
    pub(crate) fn x(&self, time: SystemTime) -> f64 {
        let after = self.knots.partition_point(|(knot, _)| *knot <= time);
        match (after.checked_sub(1).and_then(|before| self.knots.get(before)), self.knots.get(after)) {
            (Some((_, x)), None) | (None, Some((_, x))) => *x,
            (Some((from, x)), Some((to, next))) => {
                let part = between(*from, time) / between(*from, *to).max(f64::MIN_POSITIVE);
                x + (next - x) * part
            }
            (None, None) => 0.0,
        }
    }

    /// Marks at even places, with the time since the start.
    pub(crate) fn ticks(&self) -> Vec<Tick> {
        let Some((start, _)) = self.knots.first() else { return Vec::new() };
        let span = self.knots.last().and_then(|(end, _)| end.duration_since(*start).ok()).unwrap_or_default();
        let places = (0..TICKS).map(|index| 100.0 / TICKS as f64 * index as f64);
        let since = places.clone().map(|x| self.time(x).duration_since(*start).unwrap_or_default());
        let written = |text: fn(Duration) -> String| since.clone().map(text).collect::<Vec<_>>();
        let whole = written(moment::whole);
        // Beside a folded gap marks can be less than a second apart.
        let alike = whole.windows(2).any(|pair| pair[0] == pair[1]);
        let texts = if span < FINE || alike { written(duration::text) } else { whole };
        places.zip(texts).map(|(x, text)| Tick { x, text: format!("+{text}") }).collect()
    }

    /// The time at a place.
    fn time(&self, x: f64) -> SystemTime {
        let after = self.knots.partition_point(|(_, place)| *place <= x).clamp(1, self.knots.len().max(2) - 1);
        match (self.knots.get(after - 1), self.knots.get(after)) {
            (Some((from, start)), Some((to, end))) => {
                let part = ((x - start) / (end - start).max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
                *from + to.duration_since(*from).unwrap_or_default().mul_f64(part)
            }
            (Some((time, _)), None) => *time,
            (None, _) => SystemTime::UNIX_EPOCH,
        }
    }
}

/// The shortest gap that is folded, and the time that is left without those.
fn folding(gaps: &[f64]) -> (f64, f64) {
    let whole: f64 = gaps.iter().sum();
    let mut long: Vec<f64> = gaps.iter().copied().filter(|gap| *gap > whole * GAP_OF_WHOLE).collect();
    long.sort_by(|a, b| b.total_cmp(a));
    let (mut least, mut left) = (f64::INFINITY, whole);
    for gap in long {
        if left - gap < whole * LEFT_OF_WHOLE {
            break;
        }
        (least, left) = (gap, left - gap);
    }
    (least, left)
}

fn between(from: SystemTime, to: SystemTime) -> f64 {
    to.duration_since(from).unwrap_or(Duration::ZERO).as_secs_f64()
}
