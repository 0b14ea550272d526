"""Where everything is; each can be set by an environment variable."""

from __future__ import annotations

import os

TEMPORAL = os.environ.get("TEMPORAL_ADDRESS", "127.0.0.1:7233")
TASK_QUEUE = os.environ.get("TASK_QUEUE", "orders-python")
REDIS = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379")
PAYMENTS = os.environ.get("PAYMENT_API", "http://127.0.0.1:8080")
