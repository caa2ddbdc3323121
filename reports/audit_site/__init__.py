"""The static site of the auditor's pack: pages that a browser opens from a stick, data as scripts, no network.

Evidence is hostile: what hosts sent may be markup, script or characters that turn a line around. It travels as data,
never as markup, and characters that a page cannot show are spelled out.
"""
