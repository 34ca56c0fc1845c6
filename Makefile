.PHONY: test
test:
	test -d .venv || python3 -m venv .venv
	.venv/bin/pip install -q --require-hashes -r requirements.lock
	QT_QPA_PLATFORM=offscreen .venv/bin/python -m pytest
