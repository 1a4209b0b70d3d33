"""The one place that masks: secrets and customers' data, in the log and in what remote systems say."""

from .log_masking import LINE_LIMIT, Redactor, customer_data
from .masked_answers import CUT, MASK, json_text, masked, on_one_line, safe_text, without_secrets
from .sensitive_data import MARK, is_sensitive
