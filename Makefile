# make alone lists the commands.
PYTHON := .venv/bin/python

.PHONY: help setup demo test journeys check fix faults bench shots lock
help: ## list the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: ## make the environment in .venv
	@script/setup

demo: ## one campaign the whole way; SERVE=0 HOME_DIR=path JSON=1 DATA=file MAPPING=...
	@script/demo

test: ## set up and run the tests of every room
	@script/test

journeys: ## the whole system from end to end, then in a browser if Chromium is here
	@script/test journeys

check: ## format, lint, types, import contracts, own rules
	@script/check

fix: ## format and mend what can be mended
	$(PYTHON) -m ruff check --fix src tests tools benchmarks faults
	$(PYTHON) -m ruff format src tests tools benchmarks faults

faults: ## break it on purpose and check the promise: KILLS=200 N=10000 JSON=1 ONLY=F2,F8 EACH=20
	@script/faults

bench: ## make bench NAME=import|snapshot|count|list|send|contacts|details|activation|render|bridge|record|tracking|smtp|smpp|delivery|discovery|discovery-null|discovery-planted|discovery-forward|alarms|learning|intervals|cycle|models N=1000000 JSON=1
	@script/bench

shots: ## screenshots of every page into shots/
	@script/shots

lock: ## write the hash-locked requirements again
	@script/lock
