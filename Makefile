# make demo   inspect this machine, seal the run, write its record
# make test   set up everything that the tests need, and run them
# make help   the other targets

VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help install demo test test-long lab lab-down benchmark lock clean

help:
	@sed -n 's/^# make/make/p' Makefile

# make install   the environment that the program needs, in .venv
install:
	@sh setup.sh runtime

demo:
	@sh setup.sh runtime documents
	@$(BIN)/weibao --site local run inspect --format html,docx,pdf,xlsx --fail-on never

test:
	@sh setup.sh test documents
	@$(BIN)/python -m pytest -m "not long"

# make test-long   the heaviest sizes
test-long:
	@sh setup.sh test documents
	@$(BIN)/python -m pytest -m long

# make lab   bring the lab's hosts up, for `weibao --site lab`
lab:
	@sh setup.sh test
	@$(BIN)/ansible-playbook -i inventories/lab/hosts.yml molecule/lab/create.yml

# make lab-down   remove the lab's hosts
lab-down:
	@$(BIN)/ansible-playbook -i inventories/lab/hosts.yml molecule/lab/destroy.yml

# make benchmark   measure every figure against its peer (needs the lab; some minutes)
benchmark: lab
	@$(BIN)/pip install --quiet --require-hashes --requirement requirements/benchmark.txt
	@$(BIN)/python -m benchmarks.events
	@$(BIN)/python -m benchmarks.inspection
	@$(BIN)/python -m benchmarks.fleet
	@$(BIN)/python -m benchmarks.compliance
	@$(BIN)/python -m benchmarks.audit_site
	@$(BIN)/python -m benchmarks.ledger
	@$(BIN)/python -m benchmarks.changes

# make lock   pin the newest versions of everything, with hashes
lock:
	@sh requirements/lock.sh

# make clean   remove the environment; the state under var/ stays
clean:
	rm -rf $(VENV)
