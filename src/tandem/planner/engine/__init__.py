"""Condition trees and lists as sqlglot expressions, run by DuckDB (or another engine behind the same interface)."""
