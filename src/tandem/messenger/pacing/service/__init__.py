"""What other rooms and doors do with pace."""

from tandem.messenger.pacing.service.domains import learn as learn
from tandem.messenger.pacing.service.domains import look_up as look_up
from tandem.messenger.pacing.service.drawing import draw as draw
from tandem.messenger.pacing.service.drawing import forget_sending as forget_sending
from tandem.messenger.pacing.service.drawing import is_free as is_free
from tandem.messenger.pacing.service.hearing import hear as hear
from tandem.messenger.pacing.service.limits import is_warming as is_warming
from tandem.messenger.pacing.service.limits import list_limits as list_limits
from tandem.messenger.pacing.service.limits import list_warm_ups as list_warm_ups
from tandem.messenger.pacing.service.limits import pause_rules as pause_rules
from tandem.messenger.pacing.service.limits import remove_limit as remove_limit
from tandem.messenger.pacing.service.limits import set_limit as set_limit
from tandem.messenger.pacing.service.limits import set_pause_rules as set_pause_rules
from tandem.messenger.pacing.service.limits import start_warm_up as start_warm_up
from tandem.messenger.pacing.service.limits import stop_warm_up as stop_warm_up
