from daxa_gui.core.errors import DaxaError, InputError, TransferError


def test_that_a_transfer_error_may_be_retried_unless_it_says_otherwise():
    assert TransferError("The connection broke.").retryable
    assert not TransferError("There is no such file.", retryable=False).retryable
    assert not InputError("Not a position.").retryable


def test_that_an_error_reads_as_its_sentence_and_its_hint():
    assert str(DaxaError("It broke.", "Mend it.")) == "It broke. Mend it."
