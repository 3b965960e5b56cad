"""A story told inside the process of the test."""

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def tell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Tell a story; the answer is what it printed. Its pictures are on white, or have words."""

    def told(
        story: ModuleType, seed: int = 7, epochs: int | None = None, eager: bool = False
    ) -> str:
        from matplotlib.image import imread  # tests skip where it is missing

        from demos._common import Stage

        stage = Stage("story", tmp_path, seed, epochs, eager=eager)
        story.run(stage)
        assert stage.pictures
        for path in stage.pictures:
            if path.suffix == ".svg":
                assert ET.parse(path).find(".//{*}text") is not None
                continue
            pixels = imread(path)[..., :3]
            assert pixels[0, 0].min() == 1
            assert pixels.std() > 0.01
        return capsys.readouterr().out

    return told
