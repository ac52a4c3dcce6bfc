"""The daily cycle over the own API: what is in force, and one run at a time that is asked for."""

from procrastinate.contrib.django.models import ProcrastinateJob


def test_the_cycle_is_shown_and_asked_for(ask, stocked):
    code, told = ask("/cycle")
    assert (code, told["as_of"], told["run"], told["is_current"]) == (200, None, None, False)
    assert ask("/cycle/runs") == (200, {"items": []})
    code, told = ask("/cycle/runs", {"whole": True})
    assert code == 202
    [job] = ProcrastinateJob.objects.filter(
        task_name="planner.daily.run_cycle", args__account_id=stocked.shop.account.id
    )
    assert (job.args["account_id"], job.args["whole"]) == (stocked.id, True)
    code, told = ask("/cycle/runs", {})
    assert code == 409 and "asked for already" in told["detail"]
