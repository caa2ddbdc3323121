"""How modules take what a site declares of its services."""

from typing import Any, Dict

PROBES: Dict[str, Dict[str, Any]] = {
    "units": {"type": "list", "elements": "str", "default": []},
    "tcp": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str"},
            "host": {"type": "str", "required": True},
            "port": {"type": "int", "required": True},
            "timeout": {"type": "float"},
        },
    },
    "http": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str"},
            "url": {"type": "str", "required": True},
            "status": {"type": "list", "elements": "int", "default": [200]},
            "contains": {"type": "str"},
            "method": {"type": "str", "choices": ["GET", "HEAD", "OPTIONS"], "default": "GET"},
            "host_header": {"type": "str"},
            "ca_file": {"type": "path"},
            "verify": {"type": "bool", "default": True},
            "timeout": {"type": "float"},
        },
    },
    "dns": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str"},
            "query": {"type": "str", "required": True},
            "addresses": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "float"},
        },
    },
}
