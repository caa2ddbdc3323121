"""Lets tests import what runs on hosts by the name that it has there, and properties take the time they need."""

from __future__ import annotations

from pathlib import Path

import ansible.module_utils
from hypothesis import settings

ansible.module_utils.__path__.append(str(Path(__file__).resolve().parent.parent / "module_utils"))

# How long an example takes depends on what else the machine is doing.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
