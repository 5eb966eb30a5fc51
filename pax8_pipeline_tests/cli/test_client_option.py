"""`--client` takes a Halo client's id as Halo shows it: what another program or a typing error makes of one is refused."""

from __future__ import annotations

import click
import pytest

from pax8_pipeline.commands.common import HALO_ID


@pytest.mark.parametrize("text", ["0231", "231.0", "2_31", "+231", "-231", "2.31e2", "0", "", " ", "231a", "２３１"])
def test_what_is_no_halo_id_names_no_client(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a Halo id: write the digits only"):
        HALO_ID.convert(text, None, None)


def test_a_client_is_named_by_the_digits_of_its_id() -> None:
    assert HALO_ID.convert("231", None, None) == 231
