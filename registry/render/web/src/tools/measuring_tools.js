// The tools that measure and look around, in the order of their buttons.

import './measuring.css';
import { circleTool } from './circle.js';
import { locateTool } from './locate.js';
import { measureTool } from './measure.js';
import { nearestTool } from './nearest_point.js';

export const MEASURING_TOOLS = [measureTool, circleTool, nearestTool, locateTool];
