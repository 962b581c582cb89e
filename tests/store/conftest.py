"""What the tests of a store share beside what all tests share."""

from __future__ import annotations
