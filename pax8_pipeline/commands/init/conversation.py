"""The conversation of `init`: takes each value from a flag, the environment, .env or a person, and tests it at once.

Where there is nobody to ask, a missing or refused value is an error that says how to give it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from pax8_pipeline.commands.init import credentials, variables
from pax8_pipeline.commands.init.credentials import Tested
from pax8_pipeline.commands.init.questions import Questions
from pax8_pipeline.commands.init.variables import Variable, full_address
from pax8_pipeline.errors import ConfigError
from pax8_pipeline.settings import Settings, load_settings
from pax8_pipeline.settings.secret_files import file_variable, load_secrets

_TRIES = 5
Show = Callable[[Tested], None]


@dataclass
class Conversation:
    """What is known so far. `given`: flags, which win over the environment; `environment`: with .env.

    `values` gets every variable that was settled, and the names of files in place of secrets that come from files.
    """

    given: Mapping[str, str]
    environment: Mapping[str, str]
    questions: Questions | None
    say: Callable[[str], None]
    show: Show
    test: bool = True
    values: dict[str, str] = field(default_factory=dict)

    def pax8(self) -> Tested:
        """Settle Pax8's variables, and test them."""
        self._copy(variables.OPTIONAL)
        return self._settle("Pax8", variables.PAX8, credentials.check_pax8)

    def halo(self) -> Tested:
        """Settle Halo's variables, and test them. Halo itself names two of them at its address."""
        return self._settle("Halo", (variables.HALO_URL, *variables.HALO), credentials.check_halo)

    def missing(self) -> list[Variable]:
        """Return the variables that only a person could give."""
        return [variable for variable in variables.ALL if not self._current(variable.name) and not self._file(variable)]

    def _settle(self, vendor: str, asked: Iterable[Variable], test: Callable[[Settings], Tested]) -> Tested:
        for attempt in range(_TRIES):
            for variable in asked:
                self._settle_one(variable, again=attempt > 0)
                if variable is variables.HALO_URL and self.test:
                    self._ask_halo_itself()
            if not self.test:
                return Tested(())
            self.say(f"Testing {vendor} ...")
            tested = test(self.settings())
            self.show(tested)
            if tested.works or self.questions is None or not self._once_more(vendor):
                return tested
        return tested

    def _once_more(self, vendor: str) -> bool:
        assert self.questions is not None
        return self.questions.confirm(f"Type the values for {vendor} again?", default=True)

    def _settle_one(self, variable: Variable, *, again: bool) -> None:
        file = self._file(variable)
        if file and not again:
            self.values |= {variable.name: "", file_variable(variable.name): file}
            return
        current = self.values.get(variable.name, "") or self._current(variable.name)
        certain = variable.name in self.given and not again
        if again and variable.secret:
            current = ""  # the one that was refused is no proposal
        if self.questions is not None and not certain:
            if not current:
                self.say(f"  ({variable.where})")
            current = self.questions.value(variable, current)
        if not current:
            raise ConfigError(f"not given: {variable.how_to_give}")
        self.values[variable.name] = _in_full(variable, current)
        if variable.secret:
            self.values[file_variable(variable.name)] = ""

    def _ask_halo_itself(self) -> None:
        """Take the authorisation server and the tenant that Halo names, unless they are known."""
        unknown = [name for name in ("HALO_AUTH_URL", "HALO_TENANT") if not self._current(name)]
        if not unknown or any(name in self.values for name in unknown):
            return
        named = credentials.halo_addresses(self.settings(fill=variables.HALO))
        taken = {name: value for name, value in named.items() if name in unknown}
        for name, value in taken.items():
            self.say(f"Halo itself names {name}: {value}")
        self.values |= taken

    def _current(self, name: str) -> str:
        return (self.given.get(name) or self.environment.get(name, "")).strip()

    def _file(self, variable: Variable) -> str:
        if not variable.secret or self.given.get(variable.name):
            return ""
        return self._current(file_variable(variable.name))

    def _copy(self, names: Iterable[str]) -> None:
        self.values |= {name: value for name in names if (value := self._current(name))}

    def settings(self, fill: Iterable[Variable] = ()) -> Settings:
        """Return settings with what is known; `fill`: variables that may be anything."""
        ours = {variable.name for variable in variables.ALL}
        hidden = ours | {file_variable(name) for name in ours}
        others = {name: value for name, value in self.environment.items() if name not in hidden}
        given = {name: value for name, value in self.given.items() if name not in hidden}
        anything = self.values.get("HALO_API_URL", "?")
        known = {variable.name: anything for variable in fill} | {n: v for n, v in self.values.items() if v}
        load_secrets(known)  # the error about a secret's file comes before any other
        return load_settings({**others, **given, **known})


def _in_full(variable: Variable, value: str) -> str:
    endings = {"HALO_API_URL": "api", "HALO_AUTH_URL": "auth"}
    ending = endings.get(variable.name)
    return full_address(value, ending) if ending else value.strip()
