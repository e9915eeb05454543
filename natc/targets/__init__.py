"""IR to kernel formats, one folder a target.  Targets never see the language."""
