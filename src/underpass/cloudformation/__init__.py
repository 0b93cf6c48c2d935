"""The template language: parse, intrinsic functions, dependency order, difference. Knows no service."""
