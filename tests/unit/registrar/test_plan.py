"""The registrar's rules, for every state a target group and an ALB can be in."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from underpass.registrar.index import Actions, Limits, Target, plan

numbers = st.integers(1, 12)
addresses = numbers.map(lambda number: f"10.0.0.{number}")
ours = st.builds(Target, addresses, st.sampled_from([80, 443]))
anyones = st.builds(Target, addresses, st.sampled_from([80, 443, 8080])) | st.builds(
    Target, numbers.map(lambda number: f"172.16.0.{number}"), st.just(80), st.just("all")
)
states = st.sampled_from(
    ["initial", "healthy", "unhealthy", "unhealthy.draining", "unused", "draining", "unavailable"]
)
observations = st.frozensets(ours)
groups = st.dictionaries(anyones, states)
limits = st.builds(Limits, removals=st.integers(0, 12), remove_foreign=st.booleans())
some = st.frozensets(addresses)

Group = Mapping[Target, str]


def after(targets: Group, actions: Actions) -> dict[Target, str]:
    """Return the group once ``actions`` were carried out."""
    return (
        dict(targets)
        | dict.fromkeys(actions.register, "initial")
        | dict.fromkeys(actions.deregister, "draining")
    )


def serving(targets: Group) -> set[Target]:
    return {target for target, state in targets.items() if state != "draining"}


def is_ours(target: Target, observed: frozenset[Target]) -> bool:
    """Tell whether a target can be the ALB's: on a port it is observed on, within the VPC."""
    return not target.zone and target.port in {one.port for one in observed}


@given(observations, groups, limits, some, some)
def test_every_observed_address_serves_after_one_run_and_no_other_is_registered(
    observed: frozenset[Target],
    targets: Group,
    limit: Limits,
    named: frozenset[str],
    strangers: frozenset[str],
) -> None:
    actions = plan(observed, targets, limit, doubtful=named, strangers=strangers)
    assert set(actions.register) == observed - serving(targets)
    assert serving(after(targets, actions)) >= observed


def allowed(observed: frozenset[Target], targets: Group, limit: Limits) -> int:
    """Return how many targets a run may remove: as many as stay and are healthy, or the limit."""
    if not limit.removals:
        return 0
    return max(limit.removals, sum(targets.get(one) == "healthy" for one in observed))


def test_all_of_a_big_alb_is_replaced_at_once_and_a_listing_that_lost_it_takes_little() -> None:
    old = {Target(f"10.0.1.{number}", 80) for number in range(100)}
    new = frozenset(Target(f"10.0.2.{number}", 80) for number in range(100))
    limit = Limits(20)
    replaced = plan(new, dict.fromkeys(old | new, "healthy"), limit)
    assert set(replaced.deregister) == old
    arriving = plan(new, dict.fromkeys(old, "healthy"), limit)
    assert (len(arriving.register), len(arriving.deregister)) == (100, 20)
    few = frozenset(list(old)[:3])
    lost = plan(few, dict.fromkeys(old, "healthy"), limit)
    assert (len(lost.deregister), len(lost.held_back)) == (20, 77)
    assert not plan(new, dict.fromkeys(old | new, "healthy"), Limits(0)).deregister


@given(observations, groups, limits, some, some)
def test_only_the_gone_are_removed_and_never_more_than_allowed(
    observed: frozenset[Target],
    targets: Group,
    limit: Limits,
    named: frozenset[str],
    strangers: frozenset[str],
) -> None:
    actions = plan(observed, targets, limit, doubtful=named, strangers=strangers)
    removable = {*actions.deregister, *actions.held_back}
    assert removable <= serving(targets) - observed
    plain = [target for target in actions.deregister if target.address not in strangers]
    most = allowed(observed, targets, limit)
    assert len(plain) <= most
    assert len(plain) == most or not actions.held_back
    assert named.isdisjoint(target.address for target in (*plain, *actions.held_back))
    assert strangers.isdisjoint(target.address for target in actions.held_back)


@given(observations, groups, limits, some, some)
def test_a_foreign_target_is_left_alone_unless_asked(
    observed: frozenset[Target],
    targets: Group,
    limit: Limits,
    named: frozenset[str],
    strangers: frozenset[str],
) -> None:
    actions = plan(observed, targets, limit, doubtful=named, strangers=strangers)
    removable = {*actions.deregister, *actions.held_back}
    if limit.remove_foreign:
        assert actions.foreign == ()
    else:
        assert all(is_ours(target, observed) for target in removable)
    accounted = [*actions.deregister, *actions.held_back, *actions.kept, *actions.foreign]
    assert len(accounted) == len(set(accounted))
    assert set(accounted) == (serving(targets) - observed if observed else set())


@given(observations, groups, limits, some, some)
def test_nothing_is_emptied(
    observed: frozenset[Target],
    targets: Group,
    limit: Limits,
    named: frozenset[str],
    strangers: frozenset[str],
) -> None:
    actions = plan(observed, targets, limit, doubtful=named, strangers=strangers)
    if not observed:
        assert actions == Actions()
    elif serving(targets):
        assert serving(after(targets, actions))


@given(observations, groups)
def test_one_run_converges_and_a_second_changes_nothing(
    observed: frozenset[Target], targets: Group
) -> None:
    limit = Limits(len(targets))
    settled = after(targets, plan(observed, targets, limit))
    if observed:
        assert {target for target in serving(settled) if is_ours(target, observed)} == observed
    assert plan(observed, settled, limit) == Actions()


@given(observations, groups, st.integers(1, 12).map(Limits))
def test_held_back_targets_go_in_later_runs(
    observed: frozenset[Target], targets: Group, limit: Limits
) -> None:
    first = plan(observed, targets, limit)
    for _ in range(-(-len(first.held_back) // limit.removals)):
        targets = after(targets, plan(observed, targets, limit))
    assert not plan(observed, targets, limit).held_back


@given(observations.filter(bool), groups, limits, some)
def test_a_strangers_address_goes_at_once_whatever_the_limit_and_dns_say(
    observed: frozenset[Target], targets: Group, limit: Limits, strangers: frozenset[str]
) -> None:
    named = frozenset(target.address for target in targets)
    left = serving(
        after(targets, plan(observed, targets, limit, doubtful=named, strangers=strangers))
    )
    stolen = {target for target in left - observed if target.address in strangers}
    assert not any(is_ours(target, observed) for target in stolen)


def test_a_draining_target_that_returns_is_registered_again() -> None:
    target = Target("10.0.0.1", 80)
    actions = plan(frozenset({target}), {target: "draining"}, Limits())
    assert actions == Actions(register=(target,))
