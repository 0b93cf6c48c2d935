"""What all functional tests share."""

from tests.few_images import few_images

__all__ = ["few_images"]
