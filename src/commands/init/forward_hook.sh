#!/bin/sh
# Installed by git-flow-ai; `git flow-ai init --uninstall` puts back what was here before.
# Passes @NAME@ on to where core.hooksPath pointed before.
chained=@CHAINED@

ask() {
	:
}
