"""customers/*: who the customers are and what changed; their lists are in `listed`."""

from typing import Any

from tandem.contract.reading import ContractBroken
from tandem.planner.api.call import Call
from tandem.planner.api.changers import WITH_ATTRIBUTES, as_ids, days
from tandem.planner.api.function import (
    CUSTOMER,
    END,
    START,
    Body,
    Kind,
    Param,
    Sure,
    one,
    rows,
    write,
)
from tandem.planner.customers import service as customers
from tandem.planner.modelling.segments import overview
from tandem.planner.targeting import service as targeting


def get_target_group_changers(call: Call) -> list[dict[str, Any]]:
    """Whose target group, the one of highest priority, differs between two days."""
    start, end = days(call)
    found = targeting.group_changes(call.account_id, start=start, end=end, skip=call.skip, top=call.top)
    return as_ids(found, "TargetGroupID")


def get_customer_attribute_changers(call: Call) -> list[dict[str, Any]]:
    """Whose attribute differs between two days; both spellings of the keys."""
    start, end = days(call)
    column = customers.attribute_name_of(call.account_id, call["ChangedCustomerAttribute"])
    found = customers.changes(call.account_id, column, start=start, end=end, skip=call.skip, top=call.top)
    rows = []
    for change in found:
        before, after = customers.as_text(change.before), customers.as_text(change.after)
        rows.append(
            {
                "CustomerID": change.customer_id,
                "InitialCustomerAttribute": before,
                "FinalCustomerAttribute": after,
                "InitialCustomerAttributes": "NULL" if before is None else before,
                "FinalCustomerAttributes": "NULL" if after is None else after,
            }
        )
    return rows


def get_customer_future_values(call: Call) -> list[dict[str, Any]]:
    """What is expected of customers of a stage, or with a value of an attribute, who do not object to profiling."""
    stage_id, asked = call["LifecycleStageID"], call["CustomerAttribute"]
    if stage_id is not None:
        column, value = "stage", overview.stage_name(stage_id) or ""
    elif asked is not None and call["CustomerAttributeValue"] is not None:
        column = customers.attribute_name_of(call.account_id, asked)
        value = call["CustomerAttributeValue"]
    else:
        raise ContractBroken("Missing LifecycleStageID")
    found = customers.customers_with(
        call.account_id,
        column,
        value,
        day=None,
        also="future_value",
        skip=call.skip,
        top=call.top,
        profiled=True,
    )
    return [{"CustomerID": customer_id, "FutureValue": float(future or 0)} for customer_id, future in found]


def get_customer_attributes(call: Call) -> list[dict[str, Any]]:
    """All that the newest snapshot knows of one customer."""
    return [
        {"RealFieldName": one.name, "Alias": one.label, "FieldType": one.type, "Value": one.value}
        for one in customers.attributes_of_customer(call.account_id, call["CustomerID"])
    ]


def update_customer_attributes(call: Call) -> None:
    """Take values of many customers, all or none."""
    written = [_written(one) for one in call["CustomerNewAttributesValuesList"]]
    customers.update_attributes(
        call.account_id, written, callback=call["CallbackURL"] or "", actor=call.actor, clock=call.clock
    )


def upsert_customer(call: Call) -> None:
    """Take values of one customer, new or known."""
    customers.update_attributes(
        call.account_id, [_written(call.bodies[0])], callback=call["CallbackURL"] or "", insert=True,
        actor=call.actor, clock=call.clock,
    )  # fmt: skip


def _written(fields: Any) -> customers.Written:
    values = tuple((one["realfieldname"], one["value"]) for one in fields["attributes"] or ())
    return customers.Written(customer_id=fields["customerid"], values=values)


def add_customer_attribute(call: Call) -> None:
    """Add an attribute that programs may write."""
    customers.add_attribute(
        call.account_id, name=call["Name"], type=call["Type"], default=call["DefaultValue"],
        callback=call["CallbackURL"] or "", actor=call.actor, clock=call.clock,
    )  # fmt: skip


def _later(param: Param) -> Param:
    return Param(name=param.name, kind=param.kind, meaning=param.meaning)


_CHANGED = Param(
    name="ChangedCustomerAttribute", kind=Kind.TEXT, required=True, spellings=("ChangedCustomerAttributes",),
    meaning="A RealFieldName or an alias.",
)  # fmt: skip
_CALLBACK = Param(
    name="CallbackURL",
    kind=Kind.TEXT,
    meaning="Told within a minute what came of it; without one, 400 tells.",
)
_VALUES = Param(
    name="Attributes", kind=Kind.LIST, meaning="At most 10: RealFieldName and Value; null takes a value away.",
    of=Body(
        is_array=True, most=10,
        fields=(
            Param(name="RealFieldName", kind=Kind.TEXT, required=True), Param(name="Value", kind=Kind.ANY),
        ),
    ),
)  # fmt: skip
_LIST = Param(
    name="CustomerNewAttributesValuesList", kind=Kind.LIST, required=True,
    meaning="At most 1,000 customers: CustomerID and Attributes.",
    of=Body(is_array=True, most=1_000, fields=(CUSTOMER, _VALUES)),
)  # fmt: skip
_NEW = Body(
    fields=(
        Param(name="Name", kind=Kind.TEXT, required=True, meaning="Letters, digits and underscores."),
        Param(
            name="Type", kind=Kind.TEXT, required=True,
            meaning="DECIMAL(19,4), INT, BIGINT, DATE, VARCHAR(n) or NVARCHAR(n).",
        ),
        Param(name="DefaultValue", kind=Kind.ANY, meaning="What customers without a value have."),
        _CALLBACK,
    )
)  # fmt: skip

FUNCTIONS = (
    rows(
        "customers", "GetTargetGroupChangers", get_target_group_changers, START, END, **WITH_ATTRIBUTES,
        example='[{"CustomerID":"231342","InitialTargetGroupID":-1,"FinalTargetGroupID":8}]',
        meaning="Whose target group differs between two days; -1 = none. Who is in several groups counts in the one of "
        "highest priority. A day without a snapshot has that of the nearest earlier one.",
    ),
    rows(
        "customers", "GetCustomerAttributeChangers", get_customer_attribute_changers, _CHANGED, _later(START),
        _later(END), third_party=True, **WITH_ATTRIBUTES,
        example='[{"CustomerID":"91342","InitialCustomerAttribute":null,"FinalCustomerAttribute":"SuperBrand",'
        '"InitialCustomerAttributes":"NULL","FinalCustomerAttributes":"SuperBrand"}]',
        differs="Older clients read the plural keys and \"NULL\"; both spellings are sent.",
        meaning="Whose attribute differs between two days; without days, since the snapshot before the newest.",
    ),
    rows(
        "customers", "GetCustomerFutureValues", get_customer_future_values,
        Param(name="LifecycleStageID", meaning="A stage; else give the two others."),
        Param(name="CustomerAttribute", kind=Kind.TEXT, spellings=("CustomerAttributes",),
              meaning="A RealFieldName or an alias."),
        Param(name="CustomerAttributeValue", kind=Kind.TEXT, meaning="Its value, in any case."),
        pages_itself=True, example='[{"CustomerID":"631942","FutureValue":342.65}]',
        meaning="What each customer of a stage, or with a value, is expected to spend in the next 365 days; 0 for whom "
        "nothing is expected. Who objects to profiling is left out.",
    ),
    one(
        "customers", "GetCustomerAttributes", get_customer_attributes, CUSTOMER, path="{CustomerID}/Attributes",
        sure=Sure.LIVE, example='[{"RealFieldName":"AGE","Alias":"Age","FieldType":"Bigint","Value":"-1"}]',
        differs="Clients call it without a version: /Customers/{CustomerID}/Attributes.",
        meaning="All that the newest snapshot knows of one customer.",
    ),
    write(
        "customers", "UpdateCustomerAttributes", update_customer_attributes, Body(fields=(_LIST, _CALLBACK)),
        sure=Sure.LIVE,
        example='{"CustomerNewAttributesValuesList":[{"CustomerID":"0192","Attributes":[{"RealFieldName":"VIP",'
        '"Value":"Gold"}]}],"CallbackURL":"https://host/told"}',
        meaning="Writes values of attributes that came with files or were added; all or none. In the next snapshot.",
    ),
    write(
        "customers", "AddCustomerAttribute", add_customer_attribute, _NEW,
        example='{"Name":"VIP_Level","Type":"VARCHAR(10)","DefaultValue":"Bronze","CallbackURL":"https://host/told"}',
        meaning="Adds an attribute, at most 40. The call-back's errorId: 1 name, 2 type, 3 default, 4 exists, 5 limit.",
    ),
    write(
        "customers", "UpsertCustomer", upsert_customer, Body(fields=(CUSTOMER, _VALUES, _CALLBACK)), method="PUT",
        sure=Sure.OURS, example='{"CustomerId":"0192","Attributes":[{"RealFieldName":"VIP","Value":"Gold"}]}',
        meaning="Makes a customer who is not known yet and writes their values.",
    ),
)  # fmt: skip
