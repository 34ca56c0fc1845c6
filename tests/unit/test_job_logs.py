from daxa_gui.archive.job_logs import JobLogFile, read_from


def test_that_each_line_has_its_time_and_severity(tmp_path):
    log = JobLogFile(tmp_path / "logs" / "0000" / "job-1.log", now=lambda: 0.25)
    log.write("began")
    log.write("bad\nvery bad", "ERROR")
    log.close()
    text, offset = read_from(tmp_path / "logs/0000/job-1.log")
    assert text == (
        "1970-01-01T00:00:00.250Z INFO    began\n"
        "1970-01-01T00:00:00.250Z ERROR   bad\n"
        "1970-01-01T00:00:00.250Z ERROR   very bad\n"
    )
    assert offset == len(text.encode())


def test_that_a_log_is_read_on_from_where_reading_stopped(tmp_path):
    log = JobLogFile(tmp_path / "job.log", now=lambda: 0.0)
    log.write("größer")
    first, offset = read_from(tmp_path / "job.log")
    log.write("second")
    second, end = read_from(tmp_path / "job.log", offset)
    log.close()
    assert first.endswith("größer\n") and second.endswith("second\n") and "größer" not in second
    assert read_from(tmp_path / "job.log", end) == ("", end)


def test_that_half_a_line_is_left_for_the_next_reading(tmp_path):
    path = tmp_path / "job.log"
    path.write_bytes(b"whole\nhal")
    text, offset = read_from(path)
    path.write_bytes("whole\nhalf ü\n".encode())
    assert (text, read_from(path, offset)[0]) == ("whole\n", "half ü\n")


def test_that_a_log_that_was_made_anew_is_read_from_its_start(tmp_path):
    path = tmp_path / "job.log"
    path.write_text("short\n")
    assert read_from(path, 1000) == ("short\n", 6)


def test_that_a_job_without_a_log_has_an_empty_one(tmp_path):
    assert read_from(tmp_path / "none.log", 5) == ("", 0)


def test_that_a_later_attempt_goes_on_in_the_same_log(tmp_path):
    for text in ("first attempt", "second attempt"):
        log = JobLogFile(tmp_path / "job.log")
        log.write(text)
        log.close()
    text, _ = read_from(tmp_path / "job.log")
    assert [line.split(maxsplit=2)[2] for line in text.splitlines()] == ["first attempt", "second attempt"]


def test_that_text_which_is_no_unicode_does_not_break_the_log(tmp_path):
    log = JobLogFile(tmp_path / "job.log")
    log.write("file \udcff.fits")
    log.close()
    assert "file \\udcff.fits" in read_from(tmp_path / "job.log")[0]
