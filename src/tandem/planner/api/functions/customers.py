"""customers/*: who the customers are and what changed; their lists are in `listed`."""

from tandem.planner.api.function import known_by_name

FUNCTIONS = (
    *known_by_name("customers", "GetTargetGroupChangers GetCustomerFutureValues"),
    *known_by_name(
        "customers",
        "GetCustomerAttributeChangers GetCampaignInteractionCustomers GetCustomerChannelInteractions",
        third_party=True,
    ),
    *known_by_name("customers", "UpdateCustomerAttributes AddCustomerAttribute", method="POST"),
)
