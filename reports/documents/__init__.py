"""One builder per deliverable: evidence → frozen record → Document."""
