"""NumPy's functions of Values."""

import math

import numpy as np
import pytest

import engine
from engine import NumericError, Value, gradient

H = 1e-6
SAME = ["exp", "expm1", "log", "log1p", "log2", "log10", "exp2", "sqrt", "cbrt", "sin", "cos"]
SAME += ["tan", "arctan", "sinh", "cosh", "tanh", "arcsinh", "square", "reciprocal", "negative"]
SAME += ["absolute", "fabs", "floor", "ceil", "trunc", "rint", "positive", "conjugate"]
SAME += ["degrees", "radians", "deg2rad", "rad2deg"]


@pytest.mark.parametrize("name", [*SAME, "arcsin", "arccos", "arctanh", "arccosh"])
def test_a_function_of_numpy_records_the_operation(name: str) -> None:
    function, number = getattr(np, name), 1.5 if name == "arccosh" else 0.6
    x = Value(number, "x")
    found = function(x)
    assert type(found) is Value
    assert found.data == pytest.approx(function(number), rel=1e-14)
    slope = (function(number + H) - function(number - H)) / (2 * H)
    assert gradient(found, x).data == pytest.approx(slope, rel=1e-6)
    (of_array,) = function(np.array([x]))
    assert of_array.data == found.data


@pytest.mark.parametrize(
    "name", ["arctan2", "hypot", "power", "add", "remainder", "fmod", "logaddexp", "float_power"]
)
def test_a_function_of_two_numbers_records_the_operation(name: str) -> None:
    function, x = getattr(np, name), Value(0.6)
    mixed = ((x, 1.5), (x, Value(1.5)), (x, np.array([1.0, 2.0])), (1.5, x), (np.float64(1.5), x))
    for left, right in mixed:
        numbers = [side.data if isinstance(side, Value) else side for side in (left, right)]
        found = np.array(function(left, right))
        assert [each.data for each in found.flat] == pytest.approx([*np.ravel(function(*numbers))])
        pairs = [*zip([np.ravel(number)[0] for number in numbers], (left, right), strict=True)]
        moved = [[a + h * (side is x) for a, side in pairs] for h in (-H, H)]
        slope = (function(*moved[1]) - function(*moved[0])) / (2 * H)
        assert gradient(found.flat[0], x).data == pytest.approx(slope, rel=1e-6)


def test_the_larger_for_numpy_is_one_of_the_two_as_for_python() -> None:
    x = Value(0.6)
    assert np.maximum(x, 0.5) is x
    assert np.maximum(x, 1.5) == 1.5


UFUNCS = [name for name in dir(np) if isinstance(getattr(np, name), np.ufunc)]
UFUNCS = [name for name in UFUNCS if not getattr(np, name).signature]
REFUSED = {"copysign", "frexp", "heaviside", "isnat", "ldexp", "logaddexp2", "modf", "nextafter"}
REFUSED |= {"signbit", "spacing", "logical_xor", "invert", "left_shift", "right_shift"}
REFUSED |= {name for name in UFUNCS if "bit" in name and name != "signbit"} | {"gcd", "lcm"}
CHOOSING = {"logical_and", "logical_or"}  # give one of the two, as `and` and `or` do


@pytest.mark.parametrize("name", sorted({*UFUNCS} - REFUSED - CHOOSING))
def test_every_function_of_numpy_gives_its_value(name: str) -> None:
    function = getattr(np, name)
    numbers = [1.5, 0.25][: function.nin] if name in ("arccosh", "acosh") else [0.6, 0.25]
    numbers = numbers[: function.nin]
    with np.errstate(invalid="ignore"):
        found, wanted = function(*map(Value, numbers)), function(*numbers)
    found, wanted = ((each,) if function.nout == 1 else each for each in (found, wanted))
    assert [float(each) for each in found] == pytest.approx([float(each) for each in wanted])


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_function_that_there_is_no_operation_for_is_named(name: str) -> None:
    function = getattr(np, name)
    text = rf"np\.{function.__name__} does not take a Value; .* engine\.where, "
    with pytest.raises(TypeError, match=text):
        function(*(Value(1.0),) * function.nin)


@pytest.mark.parametrize("call", [np.angle, np.cov, np.histogram, np.isposinf])
def test_a_function_written_in_python_that_fails_is_named(call) -> None:
    with pytest.raises(TypeError, match=rf"^np\.{call.__name__} does not take a Value; write") as e:
        call(Value(1.0))
    assert isinstance(e.value.__cause__, AttributeError | TypeError)


def test_other_functions_written_in_python_give_what_they_gave() -> None:
    x = Value(0.5)
    for call in (np.mean, np.sum, np.round, np.nan_to_num, np.i0, np.shape, np.iscomplexobj):
        found = call(x)
        assert found == call(0.5) or found.data == pytest.approx(call(0.5), rel=1e-14)
    assert np.clip(x, 0.0, 0.25) == 0.25
    assert np.stack([x, 2 * x]).tolist()[0] is x
    assert np.where([True, False], x, 2.0).tolist() == [x, 2.0]
    with pytest.raises(NumericError, match="acosh"):
        np.apply_along_axis(np.arccosh, 0, [x])


@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated:DeprecationWarning")  # from 2.5 on
def test_there_is_no_room_for_a_result_of_numpy_in_a_value() -> None:
    x = Value(0.5)
    for call in (lambda: np.add(x, 1.0, out=x), lambda: np.fix(x, x), lambda: np.isnan(x, out=x)):
        with pytest.raises(TypeError, match=r"^np\.\w+ does not take a Value; write"):
            call()
    assert x.data == 0.5


@pytest.mark.parametrize(
    "name", ["mean", "sum", "prod", "max", "min", "var", "std", "median", "ptp"]
)
def test_a_summary_of_values_is_that_of_their_numbers(name: str) -> None:
    numbers, function = [0.5, 2.0, -1.0, 4.0], getattr(np, name)
    xs = [*map(Value, numbers)]
    for given in (xs, np.array(xs)):
        assert function(given).data == pytest.approx(function(numbers), rel=1e-15)
    moved = np.array([[number + h * (k == 1) for k, number in enumerate(numbers)] for h in (-H, H)])
    slope = np.diff(function(moved, axis=1))[0] / (2 * H)
    assert gradient(function(xs), xs[1]).data == pytest.approx(slope, rel=1e-6, abs=1e-9)


def test_a_test_of_numpy_on_an_input_of_a_program_is_an_error_or_recorded() -> None:
    (x,) = engine.inputs("x")
    for test in (np.isnan, np.isfinite, lambda x: np.float64(1.0) == x, lambda x: np.equal(x, 1.0)):
        with pytest.raises(
            engine.ControlFlowError, match=rf"{__file__}:\d+: it depends on an input"
        ):
            test(x)
    y = engine.where(np.float64(0.0) < x, np.float64(2.0) * x, np.logaddexp(x, 0.0))
    (found,) = engine.Program([x], [y])([[3.0], [-1.0]]).T.tolist()
    assert found == pytest.approx([6.0, math.log(1.0 + math.exp(-1.0))])


@pytest.mark.filterwarnings("error")
def test_numpy_warns_of_no_input_that_has_no_number_yet() -> None:
    """Python may compare otherwise once it has seen code a few times."""
    xs, ws = np.array(engine.inputs("x", "y")), np.array([[Value(0.5), Value(2.0)]])
    for _ in range(20):
        assert (ws @ np.tanh(1.0 / (ws[0] * xs + 1.0)) ** 2).sum().op.name == "add"
