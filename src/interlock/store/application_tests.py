"""Application tests by version: added, never changed."""

from sqlalchemy import insert, select

from interlock.domain.application_record import ApplicationTest
from interlock.domain.names import split_ref
from interlock.store.repository import Repository
from interlock.store.tables import application_tests


class ApplicationTestRepository(Repository):
    """What was tested and found."""

    def add(self, test: ApplicationTest) -> None:
        """Add the next test of a version."""
        name, version = split_ref(test.version)
        self._connection.execute(
            insert(application_tests).values(name=name, version=version, number=test.number, body=test)
        )

    def list(self, ref: str) -> list[ApplicationTest]:
        """Tests of a version, oldest first."""
        name, version = split_ref(ref)
        query = select(application_tests.c.body).where(
            application_tests.c.name == name, application_tests.c.version == version
        )
        return list(self._connection.scalars(query.order_by(application_tests.c.number)))
