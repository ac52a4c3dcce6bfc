"""An account's limits are those of pace; the column that nothing set goes."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("messenger_delivery", "0016_block_numbers")]

    operations = [migrations.RemoveField(model_name="deliverysettings", name="rate_per_second")]
