"""The walls around the tests hold: see `conftest.py`."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from no_network import NetworkForbidden

ELSEWHERE = "192.0.2.1"  # reserved for documentation (RFC 5737): nobody answers there


def test_that_another_machine_cannot_be_reached():
    with socket.socket() as connection, pytest.raises(NetworkForbidden):
        connection.connect((ELSEWHERE, 80))


def test_that_names_of_other_machines_are_not_looked_up():
    with pytest.raises(NetworkForbidden):
        socket.getaddrinfo("example.org", 80)


def test_that_a_name_that_cannot_exist_is_simply_unknown():
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("archive.invalid", 80)


def test_that_a_server_of_a_test_cannot_be_reached_from_outside():
    with socket.socket() as server, pytest.raises(NetworkForbidden):
        server.bind(("0.0.0.0", 0))


def test_that_loopback_is_open():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), timeout=5):
        peer, _ = server.accept()
        peer.close()


def test_that_processes_started_by_tests_stay_here_too():
    program = f"import socket; socket.create_connection(('{ELSEWHERE}', 80), timeout=1)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "NetworkForbidden" in result.stderr


def test_that_the_home_of_the_person_is_out_of_reach(own_home):
    from daxa_gui import locations

    assert Path.home() == own_home
    assert locations.settings_path().is_relative_to(own_home)
    assert locations.documents_folder().is_relative_to(own_home)
    assert str(locations.cache_folder()) == os.environ["DAXA_GUI_CACHE"]
