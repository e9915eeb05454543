"""The test lab and the kernel facts that natc stands on."""
