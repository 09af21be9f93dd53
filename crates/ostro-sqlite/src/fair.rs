//! Who gets a connection next: of those who wait, whoever has the fewest, and of these whoever waits longest.

use std::collections::{BTreeMap, VecDeque};

/// Things that are lent, and those who wait for one; `W` is how somebody who waits is told.
pub(crate) struct Fair<T, W> {
    idle: Vec<T>,
    /// Things that one tenant may have at a time.
    share: usize,
    /// Waiting calls that one tenant may have.
    waiting_max: usize,
    tenants: BTreeMap<String, Tenant<W>>,
    calls: u64,
}

struct Tenant<W> {
    has: usize,
    waiting: VecDeque<(u64, W)>,
}

/// What comes of a wish for a thing.
pub(crate) enum Wish<T, W> {
    Granted(T),
    Waits,
    /// So many wait already.
    TooMany(usize, W),
}

impl<T, W> Fair<T, W> {
    /// Half of the things, and one at least, is a tenant's share.
    pub(crate) fn new(things: Vec<T>, waiting_max: usize) -> Self {
        let share = things.len().div_ceil(2).max(1);
        Self { idle: things, share, waiting_max, tenants: BTreeMap::new(), calls: 0 }
    }

    /// Asks for a thing. Where too many seem to wait, those that `gone` says of are forgotten first.
    pub(crate) fn wish(&mut self, tenant: &str, waiter: impl FnOnce() -> W, gone: impl Fn(&W) -> bool) -> Wish<T, W> {
        let (share, waiting_max) = (self.share, self.waiting_max);
        let known = self.tenants.entry(tenant.to_owned()).or_insert(Tenant { has: 0, waiting: VecDeque::new() });
        if known.has < share
            && let Some(thing) = self.idle.pop()
        {
            known.has += 1;
            return Wish::Granted(thing);
        }
        if known.waiting.len() >= waiting_max {
            known.waiting.retain(|(_, waiter)| !gone(waiter));
        }
        if known.waiting.len() >= waiting_max {
            return Wish::TooMany(known.waiting.len(), waiter());
        }
        self.calls += 1;
        known.waiting.push_back((self.calls, waiter()));
        Wish::Waits
    }

    /// Takes a thing back. Call [`Fair::next`] until it has nothing more to give.
    pub(crate) fn give_back(&mut self, tenant: &str, thing: T) {
        self.idle.push(thing);
        if let Some(known) = self.tenants.get_mut(tenant) {
            known.has -= 1;
            if known.has == 0 && known.waiting.is_empty() {
                self.tenants.remove(tenant);
            }
        }
    }

    /// The next thing that goes to somebody, with its tenant.
    pub(crate) fn next(&mut self) -> Option<(String, T, W)> {
        let share = self.share;
        let waits = self.tenants.iter().filter(|(_, tenant)| tenant.has < share);
        let first = waits.filter_map(|(name, tenant)| Some((tenant.has, tenant.waiting.front()?.0, name)));
        let (.., name) = first.min()?;
        let name = name.clone();
        let thing = self.idle.pop()?;
        let tenant = self.tenants.get_mut(&name)?;
        let (_, waiter) = tenant.waiting.pop_front()?;
        tenant.has += 1;
        Some((name, thing, waiter))
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.tenants.values().map(|tenant| tenant.waiting.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GONE: &str = "gone";

    fn wish(fair: &mut Fair<u8, &'static str>, tenant: &str, name: &'static str) -> Option<u8> {
        match fair.wish(tenant, || name, |waiter| *waiter == GONE) {
            Wish::Granted(thing) => Some(thing),
            Wish::Waits => None,
            Wish::TooMany(..) => panic!("{name} finds no place"),
        }
    }

    #[test]
    fn a_tenant_has_half_at_most_and_the_others_go_before_it() {
        let mut fair = Fair::new(vec![1, 2, 3, 4], 10);
        let first = wish(&mut fair, "a", "a1").unwrap();
        wish(&mut fair, "a", "a2").unwrap();
        assert_eq!(wish(&mut fair, "a", "a3"), None);
        assert!(wish(&mut fair, "b", "b1").is_some() && wish(&mut fair, "c", "c1").is_some());
        assert_eq!(wish(&mut fair, "d", "d1"), None);
        fair.give_back("a", first);
        let (tenant, thing, waiter) = fair.next().unwrap();
        assert_eq!((tenant.as_str(), waiter), ("d", "d1"));
        assert!(fair.next().is_none());
        fair.give_back("d", thing);
        assert_eq!(fair.next().unwrap().2, "a3");
        assert_eq!(fair.waiting(), 0);
    }

    #[test]
    fn who_has_gone_keeps_nobody_out() {
        let mut fair = Fair::new(vec![1], 2);
        wish(&mut fair, "a", "a1").unwrap();
        assert!(wish(&mut fair, "a", GONE).is_none() && wish(&mut fair, "a", GONE).is_none());
        assert!(wish(&mut fair, "a", "a2").is_none());
        assert_eq!(fair.waiting(), 1);
    }

    #[test]
    fn what_one_tenant_waits_for_is_bounded_and_of_no_cost_to_another() {
        let mut fair = Fair::new(vec![1], 2);
        let thing = wish(&mut fair, "a", "a1").unwrap();
        assert!(wish(&mut fair, "a", "a2").is_none() && wish(&mut fair, "a", "a3").is_none());
        assert!(matches!(fair.wish("a", || "a4", |_| false), Wish::TooMany(2, "a4")));
        assert_eq!(wish(&mut fair, "b", "b1"), None);
        fair.give_back("a", thing);
        let order: Vec<_> = std::iter::from_fn(|| {
            let (tenant, thing, waiter) = fair.next()?;
            fair.give_back(&tenant, thing);
            Some(waiter)
        })
        .collect();
        assert_eq!(order, ["a2", "a3", "b1"]);
        assert!(fair.tenants.is_empty(), "nobody is remembered who has and wants nothing");
    }
}
