"""The registrar's rules, for every state a target group and an ALB can be in."""

from hypothesis import given
from hypothesis import strategies as st

from underpass.registrar.index import Actions, Limits, Target, plan

addresses = st.integers(1, 12).map(lambda number: f"10.0.0.{number}")
ours = addresses.map(lambda address: Target(address, 80))
anyones = st.builds(Target, addresses, st.sampled_from([80, 8080]))
states = st.sampled_from(
    ["initial", "healthy", "unhealthy", "unhealthy.draining", "unused", "draining", "unavailable"]
)
observations = st.frozensets(ours)
groups = st.dictionaries(anyones, states)
limits = st.integers(0, 12).map(Limits)


def after(targets: dict[Target, str], actions: Actions) -> dict[Target, str]:
    """Return the group once ``actions`` were carried out."""
    return (
        targets
        | dict.fromkeys(actions.register, "initial")
        | dict.fromkeys(actions.deregister, "draining")
    )


def serving(targets: dict[Target, str]) -> set[Target]:
    return {target for target, state in targets.items() if state != "draining"}


@given(observations, groups, limits)
def test_every_observed_address_serves_after_one_run(
    observed: frozenset[Target], targets: dict[Target, str], limit: Limits
) -> None:
    assert serving(after(targets, plan(observed, targets, limit))) >= observed


@given(observations, groups, limits)
def test_only_the_gone_are_removed_and_never_more_than_allowed(
    observed: frozenset[Target], targets: dict[Target, str], limit: Limits
) -> None:
    actions = plan(observed, targets, limit)
    removable = {*actions.deregister, *actions.held_back}
    assert removable.isdisjoint(observed)
    assert removable <= serving(targets)
    assert all(target.port == 80 for target in removable)
    assert len(actions.deregister) <= limit.removals
    assert len(actions.deregister) == limit.removals or not actions.held_back


@given(observations, groups, limits)
def test_nothing_is_emptied(
    observed: frozenset[Target], targets: dict[Target, str], limit: Limits
) -> None:
    actions = plan(observed, targets, limit)
    if not observed:
        assert actions == Actions()
    elif serving(targets):
        assert serving(after(targets, actions))


@given(observations, groups)
def test_one_run_converges_and_a_second_changes_nothing(
    observed: frozenset[Target], targets: dict[Target, str]
) -> None:
    limit = Limits(len(targets))
    settled = after(targets, plan(observed, targets, limit))
    if observed:
        assert {target for target in serving(settled) if target.port == 80} == observed
    assert plan(observed, settled, limit) == Actions()


@given(observations, groups, st.integers(1, 12).map(Limits))
def test_held_back_targets_go_in_later_runs(
    observed: frozenset[Target], targets: dict[Target, str], limit: Limits
) -> None:
    for _ in targets:
        targets = after(targets, plan(observed, targets, limit))
    assert not plan(observed, targets, limit).held_back


def test_a_draining_target_that_returns_is_registered_again() -> None:
    target = Target("10.0.0.1", 80)
    actions = plan(frozenset({target}), {target: "draining"}, Limits())
    assert actions == Actions(register=(target,))
