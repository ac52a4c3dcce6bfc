"""The statements that make features from `orders` and `history`; the day is the DuckDB variable `as_of`.

Same-day purchases are one order (`daily`). Sales count towards orders and sums; returns are kept apart.
"""

_WINDOWS = ",\n".join(
    f"count(*) FILTER (day > getvariable('as_of') - {d}) AS orders_{d}, "
    f"sum(value) FILTER (day > getvariable('as_of') - {d}) AS spent_{d}"
    for d in (30, 90, 365)
)

FEATURES = (
    """CREATE TABLE daily AS SELECT customer, day, amount AS value FROM history
    WHERE code = 0 AND NOT returned""",
    f"""CREATE TABLE features AS SELECT customer, min(day) AS first_order, max(day) AS last_order, count(*) AS orders,
      sum(value)::DECIMAL(18,2) AS total_spent, (sum(value) / count(*))::DECIMAL(18,2) AS average_order,
      arg_min(value, day) AS first_day_value, {_WINDOWS},
      (getvariable('as_of') - max(day))::INTEGER AS days_since_last_order,
      (getvariable('as_of') - min(day))::INTEGER AS tenure_days,
      CASE WHEN count(*) > 1 THEN (max(day) - min(day)) / (count(*) - 1) END::DOUBLE AS usual_gap
    FROM daily GROUP BY customer""",
    """CREATE TABLE returned AS SELECT customer, count(*) AS returns, sum(value) AS returned FROM orders
    WHERE kind = 'return' GROUP BY customer""",
    """CREATE TABLE favourite AS SELECT customer, arg_max(category, (value, category)) AS main_category FROM (
      SELECT customer, category, sum(value) AS value FROM orders WHERE kind = 'sale' AND category IS NOT NULL
      GROUP BY customer, category) GROUP BY customer""",
)

#: class column -> the feature it ranks; equal values share a class, 5 is best
RFM = {"rfm_recency": "last_order", "rfm_frequency": "orders", "rfm_monetary": "total_spent"}
